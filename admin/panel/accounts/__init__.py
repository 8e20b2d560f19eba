"""Who signs in to the panel, how, and what they may do there (decision 0020)."""

from .access import OWN, Identity, current_account, current_actor, current_identity, public, requires

__all__ = ["OWN", "Identity", "current_account", "current_actor", "current_identity", "public", "requires"]
