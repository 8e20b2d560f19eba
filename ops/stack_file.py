"""Changes a stack's file by Pulumi: a kill leaves it as it was or as it shall be."""

import os
import shutil
from collections.abc import Iterable, Sequence

from .errors import OperatorError
from .stack import Stack
from .target import ROOT


def change(stack: Stack, calls: Iterable[Sequence[str]]) -> None:
    """Let Pulumi change a copy of the stack's file, and put it in the file's place: Pulumi itself writes over it.

    `calls` are the words of `pulumi`, such as `config rm KEY`. Raises OperatorError, and has changed nothing then.
    """
    file = ROOT / f"Pulumi.{stack.name}.yaml"
    fresh = file.with_name(f".Pulumi.{stack.name}.new.yaml")
    try:
        shutil.copy2(file, fresh)
        for words in calls:
            stack.call(*words, "--config-file", str(fresh))
        with fresh.open("rb") as written:
            os.fsync(written.fileno())
        fresh.replace(file)
    except OSError as error:
        raise OperatorError(f"{file} cannot be written ({error.strerror}). Let this user write it, and try again."
                            ) from error
    finally:
        fresh.unlink(missing_ok=True)
