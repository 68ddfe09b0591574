"""`weakseg doctor`."""

from __future__ import annotations

from jsonargparse import ArgumentParser, Namespace

from weakseg.cli.options import out


class Doctor:
    """Show versions, devices, and the weights that are found."""

    usage = ""

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        """Add its options."""
        pass

    @staticmethod
    def run(options: Namespace) -> int:
        """Do it."""
        from weakseg.api.doctor import doctor_table

        out.print(doctor_table())
        return 0
