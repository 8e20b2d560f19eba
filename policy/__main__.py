"""Serves the pack to Pulumi's engine; it never returns. The policies themselves stand in pack.py."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

# The engine runs this folder by its path, and from whichever folder it is in itself.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from policy.pack import POLICIES

PolicyPack("stealth-vpn", list(POLICIES), enforcement_level=EnforcementLevel.MANDATORY)
