"""The pack: every policy, in the order in which docs/policies.md explains them."""

from pulumi_policy import ResourceValidationPolicy, StackValidationPolicy

from .rules import rights

POLICIES: tuple[ResourceValidationPolicy | StackValidationPolicy, ...] = (
    rights.privileged,
    rights.no_new_privileges,
    rights.unconfined,
    rights.dropped_capabilities,
    rights.added_capabilities,
    rights.non_root,
)
