"""Objects are reset in forked children, and leave nothing behind."""

import gc
import os

from wsgi_lambda import LambdaMiddleware, after_fork
from wsgi_lambda.after_fork import reset_after_fork


class Counter:
    def __init__(self, number, seen):
        self.number, self.seen = number, seen
        reset_after_fork(self.reset)

    def reset(self):
        self.seen.append(self.number)


def test_objects_that_live_are_reset_in_a_child_in_their_order():
    seen = []
    kept = [Counter(1, seen), Counter(2, seen)]
    Counter(3, seen)
    assert seen == [1, 2, 3]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, bytes(seen[3:]))
        os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:
        assert list(pipe.read()) == [each.number for each in kept]
    assert os.waitpid(child, 0)[1] == 0


def test_middleware_that_is_gone_leaves_no_registration():
    def make():
        LambdaMiddleware(
            None, {"aws_region": "us-east-1", "routes": {"/a": {"function_name": "f"}}}
        )
        gc.collect()
        return len(after_fork.__dict__["_resets"])

    assert make() == make()
