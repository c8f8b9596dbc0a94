"""Lives of applications that together walk every row of the controller's table. Each is a function of one Application; what
it says with row() has to be exactly what its status goes through."""

NEVER = {"type": "Never"}


def retries(failures=0, refusals=0, interval=1):
    return {"type": "OnFailure", "onFailureRetries": failures, "onFailureRetryInterval": interval,
            "onSubmissionFailureRetries": refusals, "onSubmissionFailureRetryInterval": interval}


def completes(app):
    app.create()
    app.runs()
    app.add_executor()
    app.row("RUNNING", "driver running", "RUNNING", lambda status: status["executorState"])
    app.driver_ends(0)
    app.row("RUNNING", "driver succeeded", "SUCCEEDING")
    app.row("SUCCEEDING", "run complete", "COMPLETED")


def fails_and_is_edited(app):
    app.create()
    app.runs()
    app.driver_ends(1)
    app.row("RUNNING", "driver failed", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")
    app.edit()
    app.row("FAILED", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


def is_quick_and_edited(app):
    app.create()
    app.submitted()
    app.driver_ends(0)
    app.row("SUBMITTED", "driver succeeded", "SUCCEEDING")
    app.row("SUCCEEDING", "run complete", "COMPLETED")
    app.edit()
    app.row("COMPLETED", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")
    app.driver_ends(1)
    app.row("SUBMITTED", "driver failed", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


def loses_its_driver_early(app):
    app.create()
    app.submitted()
    app.add_executor()
    app.row("SUBMITTED", "driver pending", "SUBMITTED", lambda status: status["executorState"])
    app.remove_drivers()
    app.row("SUBMITTED", "driver gone", "FAILING", says_gone)
    app.row("FAILING", "no retries left", "FAILED")


def loses_its_driver(app):
    app.create()
    app.runs()
    app.remove_drivers()
    app.row("RUNNING", "driver gone", "FAILING", says_gone)
    app.row("FAILING", "no retries left", "FAILED")


def says_gone(status):
    return "not found" in status["applicationState"]["errorMessage"]


def is_unknown_for_a_while(app):
    app.create()
    app.submitted()
    app.driver_is("Unknown")
    app.row("SUBMITTED", "driver unknown", "UNKNOWN")
    app.driver_is("Running")
    app.row("UNKNOWN", "driver running", "RUNNING")
    app.driver_is("Unknown")
    app.row("RUNNING", "driver unknown", "UNKNOWN")
    app.add_executor()
    app.row("UNKNOWN", "driver unknown", "UNKNOWN", lambda status: status["executorState"])
    app.driver_ends(0)
    app.row("UNKNOWN", "driver succeeded", "SUCCEEDING")
    app.row("SUCCEEDING", "run complete", "COMPLETED")


def becomes_unknown(app, **spec):
    app.create(**spec)
    app.submitted()
    app.driver_is("Unknown")
    app.row("SUBMITTED", "driver unknown", "UNKNOWN")


def is_unknown_and_fails(app):
    becomes_unknown(app)
    app.driver_ends(1)
    app.row("UNKNOWN", "driver failed", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


def is_unknown_and_lost(app):
    becomes_unknown(app)
    app.remove_drivers()
    app.row("UNKNOWN", "driver gone", "FAILING", says_gone)
    app.row("FAILING", "no retries left", "FAILED")


def is_unknown_and_suspended(app):
    becomes_unknown(app)
    app.suspend()
    app.row("UNKNOWN", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_unknown_and_edited(app):
    becomes_unknown(app)
    app.edit()
    app.row("UNKNOWN", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


def is_created_suspended(app):
    app.create(suspend=True)
    app.row("NEW", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")
    app.suspend(False)
    app.row("SUSPENDED", "resumed by the user", "RESUMING")
    app.submitted("RESUMING")
    app.suspend()
    app.row("SUBMITTED", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")
    allow = app.refuse_drivers()
    app.suspend(False)
    app.row("SUSPENDED", "resumed by the user", "RESUMING")
    app.refused("RESUMING")
    app.row("SUBMISSION_FAILED", "no retries left", "FAILED")
    allow()


def is_suspended_as_it_runs(app):
    app.create()
    app.runs()
    app.suspend()
    app.row("RUNNING", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


# The driver is on its way when the user suspends again: status never speaks of it, and it has to go.
def is_suspended_as_it_resumes(app):
    app.create(suspend=True)
    app.row("NEW", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")
    hold = app.hold_driver()
    app.suspend(False)
    app.row("SUSPENDED", "resumed by the user", "RESUMING")
    hold.wait()
    app.suspend()
    hold.release()
    app.row("RESUMING", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_edited_early(app):
    app.create()
    app.submitted()
    app.edit()
    app.row("SUBMITTED", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


# The driver before is still terminating, so that nothing else happens meanwhile.
def is_edited_and_suspended(app):
    app.create()
    app.submitted()
    app.bind_driver()
    app.driver_is("Running")
    app.row("SUBMITTED", "driver running", "RUNNING")
    app.edit()
    app.row("RUNNING", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.suspend()
    app.row("PENDING_RERUN", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")
    app.remove_drivers()
    app.suspend(False)
    app.row("SUSPENDED", "resumed by the user", "RESUMING")
    app.submitted("RESUMING")


# What the operator has decided meets a user who was quicker.
def is_suspended_as_it_is_restarted(app):
    app.create()
    app.runs()
    hold = app.hold_state("PENDING_RERUN")
    app.edit()
    app.row("RUNNING", "spec changed", "INVALIDATING")
    hold.wait()
    app.suspend()
    hold.release()
    app.row("INVALIDATING", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_suspended_as_it_succeeds(app):
    app.create()
    app.runs()
    hold = app.hold_state("COMPLETED")
    app.driver_ends(0)
    app.row("RUNNING", "driver succeeded", "SUCCEEDING")
    hold.wait()
    app.suspend()
    hold.release()
    app.row("SUCCEEDING", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_edited_as_it_succeeds(app):
    app.create()
    app.runs()
    hold = app.hold_state("COMPLETED")
    app.driver_ends(0)
    app.row("RUNNING", "driver succeeded", "SUCCEEDING")
    hold.wait()
    app.edit()
    hold.release()
    app.row("SUCCEEDING", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


def is_repeated(app):
    app.create(restartPolicy={"type": "Always", "onFailureRetryInterval": 1, "onSubmissionFailureRetryInterval": 1})
    app.runs()
    app.driver_ends(0)
    app.row("RUNNING", "driver succeeded", "SUCCEEDING")
    app.row("SUCCEEDING", "retry due", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


def fails_and_is_tried_again(app):
    app.create(restartPolicy=retries(failures=1))
    app.runs()
    app.driver_ends(1)
    app.row("RUNNING", "driver failed", "FAILING")
    app.row("FAILING", "retry due", "PENDING_RERUN")
    app.runs("PENDING_RERUN")
    app.driver_ends(1)
    app.row("RUNNING", "driver failed", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


def fails_and_is_refused(app):
    app.create(restartPolicy=retries(failures=1))
    app.runs()
    allow = app.refuse_drivers()
    app.driver_ends(1)
    app.row("RUNNING", "driver failed", "FAILING")
    app.row("FAILING", "retry due", "PENDING_RERUN")
    app.refused("PENDING_RERUN")
    app.row("SUBMISSION_FAILED", "no retries left", "FAILED")
    allow()


def waits_for_its_retry(app):
    app.create(restartPolicy=retries(failures=1, interval=3600))
    app.runs()
    app.driver_ends(1)
    app.row("RUNNING", "driver failed", "FAILING")


def is_suspended_before_its_retry(app):
    waits_for_its_retry(app)
    app.suspend()
    app.row("FAILING", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_edited_before_its_retry(app):
    waits_for_its_retry(app)
    app.edit()
    app.row("FAILING", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


def is_refused_for_good(app):
    allow = app.refuse_drivers()
    app.create(restartPolicy=retries(refusals=1))
    app.refused()
    app.refused("SUBMISSION_FAILED")
    app.row("SUBMISSION_FAILED", "no retries left", "FAILED")
    allow()


def is_refused_for_a_while(app):
    allow = app.refuse_drivers()
    app.create(restartPolicy=retries(refusals=2, interval=2))
    app.refused()
    allow()
    app.submitted("SUBMISSION_FAILED")


def is_refused_and_suspended(app):
    allow = app.refuse_drivers()
    app.create(restartPolicy=retries(refusals=2, interval=3600))
    app.refused()
    allow()
    app.suspend()
    app.row("SUBMISSION_FAILED", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")


def is_refused_and_edited(app):
    allow = app.refuse_drivers()
    app.create(restartPolicy=retries(refusals=2, interval=3600))
    app.refused()
    allow()
    app.edit()
    app.row("SUBMISSION_FAILED", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.submitted("PENDING_RERUN")


# --- facts that an older table does not have

def about(fact):
    """A story that is told only if the table knows the fact."""
    def mark(story):
        story.fact = fact
        return story
    return mark


IMPOSSIBLE = {"cores": 1, "coreRequest": "nonsense", "memory": "512m", "serviceAccount": "default"}


@about("spec invalid")
def is_impossible(app):
    app.create(driver=IMPOSSIBLE, restartPolicy=retries(refusals=3))
    app.row("NEW", "spec invalid", "FAILED")
    # As an operator leaves it that tries what cannot succeed.
    app.found_as({"applicationState": {"state": "SUBMISSION_FAILED"}, "submissionID": "1e5e5d8c-7f0a-4d5c-9d0b-0b9a4d6a2f11",
                  "submissionAttempts": 1, "lastSubmissionAttemptTime": "2026-01-01T00:00:00Z", "terminationTime": None})
    app.row("SUBMISSION_FAILED", "spec invalid", "FAILED")


@about("spec invalid")
def becomes_impossible(app):
    app.create()
    app.runs()
    app.change(driver=IMPOSSIBLE)
    app.row("RUNNING", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.row("PENDING_RERUN", "spec invalid", "FAILED")


@about("spec invalid")
def resumes_impossible(app):
    app.create(suspend=True, driver=IMPOSSIBLE)
    app.row("NEW", "suspended by the user", "SUSPENDING")
    app.row("SUSPENDING", "driver deleted", "SUSPENDED")
    app.suspend(False)
    app.row("SUSPENDED", "resumed by the user", "RESUMING")
    app.row("RESUMING", "spec invalid", "FAILED")


@about("driver did not start in time")
def does_not_start_in_time(app):
    app.create(driver={"cores": 1, "memory": "512m", "serviceAccount": "default", "startTimeoutSeconds": 1})
    app.submitted()
    app.row("SUBMITTED", "driver did not start in time", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


@about("deadline exceeded")
def takes_too_long_to_start(app):
    app.create(activeDeadlineSeconds=1)
    app.submitted()
    app.row("SUBMITTED", "deadline exceeded", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


@about("deadline exceeded")
def takes_too_long(app):
    app.create()
    app.runs()
    app.change(activeDeadlineSeconds=1)
    app.row("RUNNING", "deadline exceeded", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


@about("deadline exceeded")
def is_unknown_for_too_long(app):
    becomes_unknown(app)
    app.change(activeDeadlineSeconds=1)
    app.row("UNKNOWN", "deadline exceeded", "FAILING")
    app.row("FAILING", "no retries left", "FAILED")


# Spark's container has ended, the pod has not, and has to be waited for.
@about("deadline exceeded")
def is_edited_while_it_waits_for_its_driver(app):
    app.create(restartPolicy=retries(failures=1))
    app.submitted()
    app.bind_driver()
    app.driver_is("Running")
    app.row("SUBMITTED", "driver running", "RUNNING")
    app.driver_is("Running", code=1)
    app.row("RUNNING", "driver failed", "FAILING")
    app.row("FAILING", "retry due", "PENDING_RERUN")
    app.edit()
    app.row("PENDING_RERUN", "spec changed", "INVALIDATING")
    app.row("INVALIDATING", "driver deleted", "PENDING_RERUN")
    app.remove_drivers()
    app.submitted("PENDING_RERUN")


STORIES = (
    completes, fails_and_is_edited, is_quick_and_edited, loses_its_driver_early, loses_its_driver, is_unknown_for_a_while,
    is_unknown_and_fails, is_unknown_and_lost, is_unknown_and_suspended, is_unknown_and_edited, is_created_suspended,
    is_suspended_as_it_runs, is_suspended_as_it_resumes, is_edited_early, is_edited_and_suspended,
    is_suspended_as_it_is_restarted, is_suspended_as_it_succeeds, is_edited_as_it_succeeds, is_repeated,
    fails_and_is_tried_again, fails_and_is_refused, is_suspended_before_its_retry, is_edited_before_its_retry,
    is_refused_for_good, is_refused_for_a_while, is_refused_and_suspended, is_refused_and_edited,
    is_impossible, becomes_impossible, resumes_impossible, does_not_start_in_time, takes_too_long_to_start, takes_too_long,
    is_unknown_for_too_long, is_edited_while_it_waits_for_its_driver)
