"""wait_for(): a suite looks until something is so, and says what was missing if it never was.

    from waiting import wait_for
    pod = wait_for(lambda: find("pi-driver"), "no driver appears")
    wait_for(operator.is_ready, lambda: f"it does not get ready\n{operator.tail()}", limit=600)

Thread: any; fact() is called on the caller's.
"""

import time

# A bound, not an expectation: two cores that also compile take many times what an idle machine takes.
LIMIT = 300


def wait_for(fact, what, limit=LIMIT, pause=0.05):
    """The first true value of fact(). AssertionError, with `what` (a text, or a function that is asked for one then), if there is
    none within `limit` seconds; what fact() raises passes through. It is called at least once, and `pause` seconds apart."""
    deadline = time.monotonic() + limit
    while True:
        value = fact()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what() if callable(what) else what} (waited {limit} s)")
        time.sleep(pause)
