import os
from dataclasses import replace
from pathlib import Path

import pytest

from ops.docker import Engine
from ops.errors import OperatorError
from ops.verify.host import HostFacts, Listener

MARK = "5a5a"
TEXT = f"""
{MARK} user
0

{MARK} namespaces
lrwxrwxrwx 1 root root 0 Nov 30 04:00 /proc/1/ns/pid -> pid:[40]
lrwxrwxrwx 1 10002 10002 0 Nov 30 04:00 /proc/70/ns/pid -> pid:[41]
lrwxrwxrwx 1 10002 10002 0 Nov 30 04:00 /proc/71/ns/pid -> pid:[41]
lrwxrwxrwx 1 10002 10002 0 Nov 30 04:00 /proc/72/ns/pid -> pid:[42]

{MARK} status
/proc/1/status:Uid:\t0\t0\t0\t0
/proc/70/status:Name:\txray
/proc/70/status:Uid:\t10002\t10002\t10002\t10002
/proc/70/status:CapEff:\t0000000000000000
/proc/70/status:NoNewPrivs:\t1
/proc/71/status:NoNewPrivs:\t0
/proc/72/status:NoNewPrivs:\t0

{MARK} cgroups
/proc/1/cgroup:0::/init.scope
/proc/70/cgroup:0::/docker/3f3f
/proc/72/cgroup:0::/docker/3f3f/deeper

{MARK} confinement
/proc/70/attr/current:docker-default (enforce)

{MARK} words
/proc/70/cmdline:/usr/local/bin/xray\0/proc/70/cmdline:run\0/proc/70/environ:TZ=UTC\0/proc/70/environ:A=b
c\0
{MARK} listeners
udp   UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9,fd=12))
tcp   LISTEN 0 4096 0.0.0.0:443 0.0.0.0:* users:(("docker-proxy",pid=60,fd=7))
tcp   LISTEN 0 4096 [::]:443 [::]:* users:(("docker-proxy",pid=61,fd=7))
tcp   LISTEN 0 4096 *:2375 *:* users:(("dockerd",pid=8,fd=3),("dockerd",pid=8,fd=4))
tcp   LISTEN 0 4096 0.0.0.0:22 0.0.0.0:*

{MARK} mounts
/proc/70/mountinfo:500 400 0:50 / / ro,relatime master:1 - overlay overlay rw
/proc/70/mountinfo:501 500 0:51 / /tmp rw,nosuid,nodev,noexec - tmpfs tmpfs rw

{MARK} files
400 10002:10002 /proc/70/root/etc/stealth/config.json

{MARK} parameters
70 /proc/sys/net/ipv4/ip_forward:1

{MARK} end
"""
FACTS = HostFacts.parse(TEXT, MARK)


def test_processes_are_known_with_their_namespace_status_and_words() -> None:
    assert FACTS.is_root
    assert FACTS.beside(70, "3f3f") == [70, 71, 72]
    assert FACTS.processes[70].status == {
        "Name": "xray", "Uid": "10002\t10002\t10002\t10002", "CapEff": "0000000000000000", "NoNewPrivs": "1"}
    assert FACTS.processes[70].words == {"cmdline": ("/usr/local/bin/xray", "run"), "environ": ("TZ=UTC", "A=b\nc")}
    assert FACTS.processes[70].title == "xray"
    assert FACTS.processes[71].title == "a process"


def test_a_process_in_a_namespace_of_its_own_is_still_the_container_s() -> None:
    assert FACTS.processes[72].namespace != FACTS.processes[70].namespace
    assert FACTS.beside(70, "3f3f")[-1] == 72


def test_a_process_of_an_unseen_namespace_is_beside_nobody() -> None:
    assert HostFacts.parse(TEXT.replace("/proc/70/ns/pid", "/other"), MARK).beside(70, "3f3f") == []


def test_processes_of_other_containers_can_be_left_out() -> None:
    ours, theirs, machine = (replace(FACTS.processes[70], cgroups=path) for path in (
        "4:memory:/docker/aaaa", "0::/system.slice/docker-bbbb.scope", "0::/init.scope"))
    facts = replace(FACTS, processes={1: machine, 70: ours, 80: theirs})
    assert set(facts.outside({"bbbb", "cccc"}).processes) == {1, 70}
    assert facts.outside(set()) == facts


def test_listeners_have_addresses_of_one_form_and_their_holders() -> None:
    assert FACTS.listeners == (
        Listener(address="127.0.0.53", port="53", transport="udp", holders=(("systemd-resolve", 9),)),
        Listener(address="0.0.0.0", port="443", transport="tcp", holders=(("docker-proxy", 60),)),  # noqa: S104 - found
        Listener(address="::", port="443", transport="tcp", holders=(("docker-proxy", 61),)),
        Listener(address="::", port="2375", transport="tcp", holders=(("dockerd", 8),)),
        Listener(address="0.0.0.0", port="22", transport="tcp", holders=()))  # noqa: S104 - found


def test_mounts_files_confinement_and_parameters_belong_to_their_container() -> None:
    assert [line.split()[4] for line in FACTS.mounts[70]] == ["/", "/tmp"]  # noqa: S108 - inside the container
    assert FACTS.files == {70: ("400 10002:10002 /etc/stealth/config.json",)}
    assert FACTS.processes[70].confinement == "docker-default (enforce)"
    assert FACTS.parameters == {70: {"net.ipv4.ip_forward": "1"}}


def test_a_process_cannot_pretend_to_be_a_part_of_the_answer() -> None:
    forged = TEXT.replace("A=b\nc", "A=b\n4b4b status\n/proc/70/status:NoNewPrivs:\t0")
    assert HostFacts.parse(forged, MARK).processes[70].status["NoNewPrivs"] == "1"


def test_the_script_reads_this_machine() -> None:
    facts = HostFacts.of(Engine("unix:///nowhere.sock"), [1], ["net.ipv4.ip_forward", "no; exit 1"])
    own = facts.processes[os.getpid()]
    assert own.status["NoNewPrivs"] in {"0", "1"}
    assert len(own.status["Uid"].split()) == 4
    assert "\0".join(own.words["cmdline"]) == Path("/proc/self/cmdline").read_text().rstrip("\0")


def test_a_machine_that_does_not_answer_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ssh"
    program.write_text('#!/bin/sh\necho "$@" >"$0.words"\necho "Permission denied (publickey)." >&2\nexit 255\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(OperatorError, match=r"ssh://a@b does not let a shell .*\(publickey\)\. Let this user"):
        HostFacts.of(Engine("ssh://a@b"), [], [])
    assert "-- ssh://a@b if [" in (tmp_path / "ssh.words").read_text()
