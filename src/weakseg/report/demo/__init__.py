"""Pictures and page of the demo."""
