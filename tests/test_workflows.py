"""The pipelines keep rules that no run of them would show: pins, rights, order, nothing that only GitHub can run.

What actionlint and zizmor know is theirs (`make lint`).
"""

import re
from itertools import pairwise

import pytest

from tests import workflows
from tests.workflows import NAMES, ROOT

JOBS = [pytest.param(name, job, id=f"{name}-{job.name}") for name in NAMES for job in workflows.jobs(name)]
RUNS = [pytest.param(step["run"], id=f"{name}-{job.name}-{number}") for name in NAMES
        for job in workflows.in_order(name) for number, step in enumerate(job.steps) if "run" in step]
# The one thing that is GitHub's alone: a comment, by a job that runs nothing of the pull request.
COMMENT = 'gh pr comment "$NUMBER" --body-file preview.md --edit-last --create-if-none'
CREDENTIALS = ["ci-credentials", "ci-wipe"]
WRITERS = {"comment": {"pull-requests": "write"}, "propose": {"contents": "write", "pull-requests": "write"}}


def test_the_workflows_are_those_that_the_documents_tell_of() -> None:
    assert NAMES == ("dependencies", "deploy", "drift", "preview", "rebuild", "test")
    text = (ROOT / "docs" / "pipelines.md").read_text()
    assert [name for name in NAMES if f"`{name}.yml`" not in text] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_action_is_pinned_by_commit_with_its_version_beside(name: str) -> None:
    lines = re.findall(r"uses: (.+)", (workflows.FOLDER / f"{name}.yml").read_text())
    assert lines
    for line in lines:
        assert re.fullmatch(r"\./\.github/workflows/\w+\.yml|[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_an_action_has_one_pin_in_all_workflows() -> None:
    found = {line for name in NAMES
             for line in re.findall(r"uses: ([\w-]+/.+)", (workflows.FOLDER / f"{name}.yml").read_text())}
    assert len(found) == len({line.partition("@")[0] for line in found})


@pytest.mark.parametrize("run", RUNS)
def test_a_step_is_one_make_target_or_the_comment(run: str) -> None:
    if run != COMMENT:
        assert re.fullmatch(r"make [a-z][a-z0-9-]*", run)
        assert run.split()[1] in workflows.make_targets()


@pytest.mark.parametrize("name", NAMES)
def test_a_workflow_may_nothing_by_itself_and_runs_no_foreign_code_with_rights(name: str) -> None:
    assert workflows.parsed(name)["permissions"] == {}
    assert not {"pull_request_target", "workflow_run"} & set(workflows.triggers(name))


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_job_may_only_read_the_code_but_the_two_that_write(name: str, job: workflows.Job) -> None:
    assert job.given["permissions"] == WRITERS.get(job.name, {"contents": "read"})


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_a_checkout_keeps_no_token(name: str, job: workflows.Job) -> None:
    for step in job.steps:
        if "actions/checkout@" in step.get("uses", ""):
            assert step["with"] == {"persist-credentials": False}


def test_the_job_that_comments_runs_nothing_of_the_pull_request() -> None:
    job = next(job for job in workflows.in_order("preview") if job.name == "comment")
    assert [step.get("run", step.get("uses", "").partition("@")[0]) for step in job.steps] == [
        "actions/download-artifact", COMMENT]


def test_a_fork_s_pull_request_gets_no_secret_and_is_told_so() -> None:
    jobs = {job.name: job for job in workflows.in_order("preview")}
    assert jobs["preview"].given["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert jobs["fork"].given["if"] == "github.event.pull_request.head.repo.full_name != github.repository"
    assert jobs["fork"].targets == ["ci-no-preview"]
    assert not jobs["fork"].environment


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_credentials_are_written_by_one_step_and_wiped_whatever_came_between(name: str, job: workflows.Job) -> None:
    with_secrets = [step for step in job.steps if "secrets." in str(step.get("env"))]
    if job.stack:
        assert [step["run"] for step in with_secrets] == ["make ci-credentials"]
        assert [job.targets[0], job.targets[-1]] == CREDENTIALS
        wipe = next(step for step in job.steps if step.get("run") == "make ci-wipe")
        assert wipe["if"] == "always()"
    else:
        assert [step["run"] for step in with_secrets] == (["make ci-propose"] if job.name == "propose" else [])


def test_production_comes_last_after_tests_staging_a_visit_and_an_approval() -> None:
    assert [step for step in workflows.order("deploy") if step[1] not in CREDENTIALS] == [
        ("", "lint"), ("", "test-quick"), ("", "test-go"), ("", "test-integration"), ("staging", "ci-deploy"),
        ("staging", "ci-e2e"), ("", "ci-approved"), ("prod", "ci-deploy")]
    environments = [job.environment for job in workflows.in_order("deploy") if job.environment]
    assert environments == ["staging", "staging", "approval", "production"]


@pytest.mark.parametrize("name", ["deploy", "rebuild"])
def test_no_job_of_a_chain_begins_before_the_one_before_it_has_passed(name: str) -> None:
    jobs = workflows.jobs(name)
    assert [job.needs for job in jobs] == [[], *([former.name] for former, _ in pairwise(jobs))]
    assert all("if" not in job.given for job in jobs)


@pytest.mark.parametrize("name", ["deploy", "rebuild"])
def test_a_deploy_is_never_ended_by_another_one(name: str) -> None:
    assert workflows.parsed(name)["concurrency"] == {"group": name, "cancel-in-progress": False}
    for job in workflows.in_order(name):
        if job.stack:
            assert job.given["concurrency"] == {"group": f"stack-{job.stack}", "cancel-in-progress": False}


@pytest.mark.parametrize(("name", "target"), [
    ("drift", "ci-drift"), ("rebuild", "ci-rebuild"), ("dependencies", "ci-dependencies")])
def test_what_must_happen_regularly_has_a_schedule_and_can_be_asked_for(name: str, target: str) -> None:
    assert set(workflows.triggers(name)) == {"schedule", "workflow_dispatch"}
    assert all(re.fullmatch(r"\d+ \d+ \* \* [*\d]", entry["cron"]) for entry in workflows.triggers(name)["schedule"])
    assert target in [target for _, target in workflows.order(name)]


def test_staging_and_production_are_looked_at_for_drift() -> None:
    assert sorted(step for step in workflows.order("drift") if step[1] == "ci-drift") == [
        ("prod", "ci-drift"), ("staging", "ci-drift")]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_the_stacks_of_the_pipelines_have_a_file(stack: str) -> None:
    assert (ROOT / f"Pulumi.{stack}.yaml").exists()


@pytest.mark.parametrize("tool", [r"go -C toolchain/actionlint tool actionlint .*\$\(WORKFLOWS\)",
                                  r"\$\(BIN\)/zizmor .*--offline .*\.github"])
def test_lint_looks_at_the_workflows(tool: str) -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    assert re.search(tool, recipe[1])


def test_every_secret_and_variable_of_the_workflows_is_documented() -> None:
    text = (ROOT / "docs" / "pipelines.md").read_text()
    used = {name for workflow in NAMES for name in re.findall(
        r"(?:secrets|vars)\.([A-Z_]+)", (workflows.FOLDER / f"{workflow}.yml").read_text())}
    assert len(used) == 6
    assert [name for name in sorted(used) if f"| `{name}` |" not in text] == []
