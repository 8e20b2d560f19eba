import pytest

from ops.errors import OperatorError
from ops.stack import Stack
from ops.verify import command


class Unmade(Stack):
    """A stack of which there is no state, or an empty one."""

    def __init__(self, *, is_made: bool) -> None:
        super().__init__("local", print)
        self._is_there = is_made

    def is_made(self) -> bool:
        return self._is_there

    def export(self) -> str:
        return '{"deployment": {}}'


@pytest.mark.parametrize("is_made", [True, False])
def test_a_stack_that_was_never_deployed_is_one_sentence(is_made: bool) -> None:
    with pytest.raises(OperatorError, match=r"stack local has no server to verify\. Deploy one with `make up`\."):
        command.state_of(Unmade(is_made=is_made))
