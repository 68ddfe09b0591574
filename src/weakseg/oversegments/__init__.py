"""Oversegments: images cut into closed regions of similar colour and texture."""
