#!/usr/bin/env python3
"""Holds a man page against the program's --help: each subcommand has its part.

    manual_test.py PAGE PROGRAM
"""
import os
import re
import subprocess
import sys

page, program = sys.argv[1:]
name = os.path.basename(program)
told = subprocess.run([program, '--help'], capture_output=True, text=True, check=True).stdout
commands = re.findall(r'^  ([a-z]+) ', told.split('\nSubcommands:\n')[1], re.M)
with open(page, encoding='utf-8') as file:
    text = file.read()
missing = [c for c in commands if f'.SH "{name.upper()} {c.upper()}"\n' not in text]
print(f'{len(commands)} subcommands, not in the man page: {" ".join(missing) or "none"}')
sys.exit(1 if missing or len(commands) < 2 else 0)
