"""The tasks on a real engine. A package, since tests/unit has files of the same names."""
