import pytest

from ops.verify.words import secret_words

KEY = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQ"
B64 = "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHM5MTI="


def of(**config: object) -> list[str]:
    return list(secret_words(config))


@pytest.mark.parametrize("name", [
    "PASSWORD", "DB_PASS", "API_TOKEN", "SECRET", "private_key", "SECRET_KEY", "CLIENT_UUID"])
def test_a_variable_that_is_named_like_a_secret_is_told_by_name_and_not_by_value(name: str) -> None:
    assert of(Env=[f"{name}=hunter2"]) == [f"the environment variable {name} is named like a secret"]


@pytest.mark.parametrize("variable", [
    "TZ=UTC", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PASSWORD_FILE=/etc/stealth/x",
    "EMPTY_TOKEN=", "GOTOOLCHAIN=go1.26.8+auto"])
def test_a_plain_variable_is_none(variable: str) -> None:
    assert of(Env=[variable]) == []


@pytest.mark.parametrize("words", [["--token", "hunter2"], ["--token=hunter2"], ["sh", "-c", "tool --token hunter2"]])
def test_a_secret_that_is_given_to_a_flag_is_found(words: list[str]) -> None:
    assert of(Cmd=words) == ["the command gives a secret to token"]


@pytest.mark.parametrize(("value", "what"), [
    (KEY, "a private key"), ("6f9619ff-8b86-d011-b42d-00cf4fc964ff", "a UUID"), (B64, "32 bytes in base64"),
    ("postgresql://panel:hunter2@db/panel", "a password in an address")])
def test_a_value_of_a_secret_s_shape_is_found_in_every_place(value: str, what: str) -> None:
    assert of(Env=[f"X={value}"]) == [f"the environment variable X holds what looks like {what}"]
    assert of(Labels={"x": value}) == [f"the label x holds what looks like {what}"]
    assert of(Cmd=["--x", value]) == [f"the command holds what looks like {what}"]
    assert of(Entrypoint=[value]) == [f"the entry point holds what looks like {what}"]
    assert of(Healthcheck={"Test": ["CMD", value]}) == [f"the health check holds what looks like {what}"]


@pytest.mark.parametrize("value", [
    "3f" * 32, "sha256:" + "3f" * 32, "/usr/local/bin/a-program-of-a-rather-long-name-x",
    "http://127.0.0.1:2019/config/", "2026-11-30T04:00:00Z", "172.20.0.10"])
def test_hashes_paths_and_addresses_are_no_secrets(value: str) -> None:
    assert of(Labels={"x": value}, Cmd=[value]) == []
