"""memwarden - a Python program inside a job asks for memory, gives it back, hears of it

libmemwarden by ctypes: nothing is to be built.  Put this file where Python finds it
(PYTHONPATH), libmemwarden.so.0 is found as any library is.  What each call does, and when
it is refused, is in libmemwarden(3); a refusal is an OSError with the warden's sentence.
No call waits longer than WAIT_MAX seconds.
"""
import contextlib
import ctypes
import errno
import os

WAIT_MAX = 10

_lib = None


class _Status(ctypes.Structure):  # struct mw_status
    _fields_ = [
        ("job", ctypes.c_char * 64),
        ("priority", ctypes.c_uint),
        ("usage", ctypes.c_uint64),
        ("reservation", ctypes.c_uint64),
        ("limit", ctypes.c_uint64),
        ("room", ctypes.c_uint64),
        ("reserve", ctypes.c_uint64),
        ("loan", ctypes.c_uint64),
        ("loan_left_ms", ctypes.c_uint64),
        ("incident", ctypes.c_int),
        ("step", ctypes.c_char * 32),
        ("spare", ctypes.c_uint64 * 8),
    ]


class Status:
    """What mw_self tells: job, priority, usage, reservation, limit, room, reserve, loan
    (bytes), loan_left (seconds), incident (bool), step."""

    def __init__(self, st):
        self.job = st.job.decode()
        self.priority = st.priority
        self.usage, self.reservation = st.usage, st.reservation
        self.limit, self.room, self.reserve = st.limit, st.room, st.reserve
        self.loan, self.loan_left = st.loan, st.loan_left_ms / 1000
        self.incident, self.step = bool(st.incident), st.step.decode()

    def __repr__(self):
        return "Status(%s)" % ", ".join("%s=%r" % i for i in vars(self).items())


def _call(name, *args):
    """Call mw_[name] with [args], and room for its sentence."""
    global _lib
    if _lib is None:
        _lib = ctypes.CDLL("libmemwarden.so.0", use_errno=True)
    why = ctypes.create_string_buffer(512)
    try:
        call = getattr(_lib, "mw_" + name)
    except AttributeError:
        raise OSError(errno.ENOSYS, "the installed libmemwarden is older than this module, "
                      "and has no mw_" + name) from None
    rc = call(*args, why, ctypes.c_size_t(len(why)))
    if rc < 0:
        raise OSError(ctypes.get_errno(), why.value.decode(errors="replace"))
    return rc


def status():
    """The limits, usage and incident of the job that this process is in."""
    st = _Status()
    _call("self", ctypes.byref(st))
    return Status(st)


def request_grow(size, seconds):
    """Be lent [size] bytes above the job's limit for [seconds], or OSError."""
    _call("request_grow", ctypes.c_uint64(size), ctypes.c_uint(int(seconds)))


def give_back():
    """The loan is not needed any more."""
    _call("return")


@contextlib.contextmanager
def grown(size, seconds):
    """with grown(size, seconds): lent inside, given back behind it."""
    request_grow(size, seconds)
    try:
        yield
    finally:
        give_back()


def checkpointed():
    """The work up to now is saved."""
    _call("checkpointed")


def set_ladder(ladder):
    """The job's own OOM is answered by [ladder] from now on."""
    _call("set_ladder", ladder.encode())


def notify_at(percent=0, size=0):
    """Pressure tells when the job's usage passes [percent] of its limit, or [size] bytes;
    with neither, not any more."""
    _call("notify_at", ctypes.c_uint(percent), ctypes.c_uint64(size))


CLEAR_ON_EXEC = 1


def proc_limit(size, actions=None, flags=0):
    """This process, and those that it starts, may hold [size] bytes each, 0: what the job
    says; [actions] are done to one that holds more (None: kill)."""
    _call("proc_limit", ctypes.c_uint64(size),
          actions.encode() if actions is not None else None, ctypes.c_uint(flags))


class Pressure:
    """What befalls the job's memory, as sentences: has fileno() for select, poll and
    event loops, and notes() for what has come up to now."""

    def __init__(self):
        self._fd = _call("on_pressure")
        self.gone = False  # the warden

    def fileno(self):
        return self._fd

    def notes(self):
        text = ctypes.create_string_buffer(512)
        told = []
        while not self.gone:
            rc = _lib.mw_next_note(self._fd, text, ctypes.c_size_t(len(text)))
            if rc == 1:
                told.append(text.value.decode(errors="replace"))
            elif rc == 0:
                self.gone = True
            else:
                break
        return told

    def close(self):
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
