"""What an operator is told of an engine that does not answer, or was lost, or is full."""

import pytest

from ops.reach import explained, sentence

HOST = "ssh://deploy@vpn.test"
# As Docker's command line and both providers pass on what ssh has said.
DIALLED = ("error during connect: Get \"http://docker.example.com/v1.50/version\": command [ssh -o ConnectTimeout=30 "
           "-T -l deploy -- vpn.test docker system dial-stdio] has exited with exit status 255, make sure the URL is "
           "valid, and Docker 18.09 or later is installed on the remote host: stderr=")
CHANGED = """@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Host key for vpn.test has changed and you have requested strict checking.
Host key verification failed.
"""
LOST = ("Container stealth-{} cannot be stopped: error during connect: Post \"http://docker.example.com/stop\": "
        "command [ssh -l deploy{} -o BatchMode=yes -T -- vpn.test docker system dial-stdio] has exited with exit "
        "status 255, make sure the URL is valid, and Docker 18.09 or later is installed on the remote host: stderr={}")


@pytest.mark.parametrize(("said", "told"), [
    (CHANGED, "the host key of vpn.test has changed. The machine was set up anew, or another one answers at its "
     "address."),
    ("Host key verification failed.\n", "the host key of vpn.test is not the one that is known here, or none is. "
     "Run `ssh deploy@vpn.test` once"),
    ("deploy@vpn.test: Permission denied (publickey).\n", "deploy@vpn.test: Permission denied (publickey): "
     "it lets nobody in by your ssh keys. Put your public key there with `ssh-copy-id deploy@vpn.test`"),
    ("ssh: connect to host vpn.test port 22: Connection refused", "ssh: connect to host vpn.test port 22: "
     "Connection refused. See that the machine runs and that `ssh deploy@vpn.test` gets in, or run `pulumi config"),
    ("bash: line 1: docker: command not found", "there is no Docker. Install it with `ssh deploy@vpn.test sudo"),
    ("permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
     "this user may not use Docker. Run `ssh deploy@vpn.test 'sudo usermod"),
    ("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?",
     "Docker does not run there. Run `ssh deploy@vpn.test sudo systemctl start docker`"),
    ("of another kind", "of another kind. Look at it with `ssh deploy@vpn.test docker info`"),
])
def test_each_reason_is_told_with_what_mends_it(said: str, told: str) -> None:
    for text in (said, DIALLED + said):
        assert sentence(HOST, text).startswith(f"Docker Engine at {HOST} does not answer: {told}")


def test_a_port_of_its_own_is_in_every_command() -> None:
    told = sentence("ssh://deploy@vpn.test:2222", CHANGED)
    assert "`ssh-keygen -R '[vpn.test]:2222'` and then `ssh -p 2222 deploy@vpn.test` once." in told


def test_this_machine_s_engine_is_started_here() -> None:
    assert sentence("unix:///x.sock", "a\nb.") == (
        "Docker Engine at unix:///x.sock does not answer: b. "
        "Start it with `toolchain/engine.sh`, or run `pulumi config set dockerHost <address>`.")


@pytest.mark.parametrize(("port", "said", "told"), [
    ("", "", "The connection to ssh://deploy@vpn.test was lost in the middle of the run. See that "
     "`ssh deploy@vpn.test docker info` answers, then run the same command again"),
    (" -p 2222", "client_loop: send disconnect: Broken pipe", "The connection to ssh://deploy@vpn.test:2222 was lost "
     "in the middle of the run. See that `ssh -p 2222 deploy@vpn.test docker info` answers"),
    ("", "ssh: connect to host vpn.test port 22: No route to host", "Docker Engine at ssh://deploy@vpn.test "
     "does not answer: ssh: connect to host vpn.test port 22: No route to host. See that the machine runs"),
])
def test_a_host_that_is_lost_is_one_sentence_and_other_faults_stay(port: str, said: str, told: str) -> None:
    other = "Container stealth-xray is unhealthy."
    first, second = explained([LOST.format("admin", port, said), other, LOST.format("caddy", port, said)])
    assert first.startswith(told)
    assert first.endswith("run the same command again: it goes on from what was done.")
    assert second == other


def test_a_provider_that_found_no_engine_is_told_as_a_lost_host() -> None:
    said = f"Docker Engine at {HOST} does not answer: Host key verification failed. Start it, or change it with `p`"
    (told,) = explained([said])
    assert "the host key of vpn.test is not the one that is known here" in told


def test_a_full_disk_is_told_with_what_was_being_done() -> None:
    (told,) = explained(["Container stealth-xray cannot be made: write /var/lib/docker/x: no space left on device."])
    assert told == (
        "Container stealth-xray cannot be made: write /var/lib/docker/x: no space left on device. The disk of the "
        "engine's machine is full: free some, for example with `docker system prune` there, then run the same "
        "command again: it goes on from what was done.")
