from pathlib import Path

import pytest

from ops.errors import OperatorError
from ops.target import ROOT, Target


def folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.mine.yaml").write_text(text)
    return tmp_path


def test_values_of_the_stack_win_over_defaults(tmp_path: Path) -> None:
    made = folder(tmp_path, "config:\n  stealth-vpn:httpsPort: 8443\n  stealth-vpn:dockerHost: ssh://a@b\n")
    target = Target.read("mine", made)
    assert (target.https_port, target.http_port, target.is_local) == (8443, 80, False)


@pytest.mark.parametrize("text", ["config: [", "", "just words"])
def test_a_broken_stack_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError, match=r"Pulumi\.mine\.yaml is"):
        Target.read("mine", folder(tmp_path, text))


def test_a_stack_without_a_file_says_how_to_make_one() -> None:
    with pytest.raises(OperatorError, match=r"stack nowhere has no file Pulumi\.nowhere\.yaml.*Copy"):
        Target.read("nowhere")
