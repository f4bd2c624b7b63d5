#!/usr/bin/env python3
"""What does a person start? `launch.py COMMAND`; the commands live in `launcher/`, one file per group."""

from __future__ import annotations

import sys

from launcher.main import main

if __name__ == "__main__":
    sys.exit(main())
