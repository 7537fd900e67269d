"""Tests of the tasks on a real engine. A package, because tests/unit has files of the same names."""
