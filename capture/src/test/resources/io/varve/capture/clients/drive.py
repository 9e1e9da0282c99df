"""What libnbd sees of a drive's export, all of it zeroes at first. Arguments: one URI or more of the same export, in turn.

Ends with an error at the first thing that isn't as it must be.
"""

import sys

import nbd

MIB = 1 << 20
GRANULE = 65536
PATIENCE_MILLIS = 60_000


def check(condition, *what):
    if not condition:
        raise AssertionError(what)


def connect(uri, prepare=lambda handle: None):
    handle = nbd.NBD()
    handle.set_uri_allow_local_file(True)
    handle.add_meta_context(nbd.CONTEXT_BASE_ALLOCATION)
    # What the library would refuse itself is for the server to refuse.
    handle.set_strict_mode(0)
    prepare(handle)
    handle.connect_uri(uri)
    return handle


def refused(errno, request, *arguments):
    """The request must fail so, and the connection be as good as before."""
    try:
        request(*arguments)
    except nbd.Error as e:
        check(e.errno == errno, request, arguments, e.errno, e.string)
    else:
        check(False, request, arguments, "was served")


def content(length, seed):
    part = bytes((seed * 31 + i * 7 + i // 251) & 255 or 1 for i in range(4096))
    return bytearray((part * (length // 4096 + 1))[:length])


def tells_what_it_can(uri):
    handle = connect(uri)
    check(handle.get_size() == 24 * MIB, handle.get_size())
    check(handle.get_protocol() == "newstyle-fixed", handle.get_protocol())
    check(handle.get_structured_replies_negotiated())
    check(handle.get_tls_negotiated() == uri.startswith("nbds"))
    check(not handle.is_read_only() and not handle.is_rotational())
    for can in ("flush", "fua", "trim", "zero", "fast_zero", "df", "cache", "multi_conn"):
        check(getattr(handle, "can_" + can)(), can)
    check(handle.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION))
    check(handle.get_block_size(nbd.SIZE_MINIMUM) == 1)
    check(handle.get_block_size(nbd.SIZE_PREFERRED) == 4096)
    check(handle.get_block_size(nbd.SIZE_MAXIMUM) == 32 * MIB)
    handle.shutdown()


def answers_options(uri):
    """Several options on one connection, in an order of the client's choice, and some that fail."""
    handle = connect(uri, lambda handle: (handle.set_opt_mode(True), handle.set_full_info(True)))
    name = handle.get_export_name()
    names = []
    handle.opt_list(lambda name, description: names.append(name))
    check(name in names, names)
    contexts = []
    handle.opt_list_meta_context(lambda context: contexts.append(context))
    check(contexts == [nbd.CONTEXT_BASE_ALLOCATION], contexts)
    handle.set_export_name("nothing")
    refused("ENOENT", handle.opt_info)
    refused("ENOENT", handle.opt_go)
    handle.set_export_name(name)
    handle.opt_info()
    check(handle.get_size() == 24 * MIB)
    check("tracked by Varve" in handle.get_export_description())
    handle.opt_go()
    check(handle.pread(512, 0) == bytes(512))
    handle.shutdown()

    handle = connect(uri, lambda handle: handle.set_opt_mode(True))
    handle.opt_abort()


def chunks_of(handle, length, offset, flags=0):
    """The kinds and lengths of a reply's chunks, which must be exactly the range, and the data."""
    buffer = bytearray(length)
    seen = []

    def chunk(data, at, kind, error):
        check(error.value == 0, error.value)
        seen.append((at, kind, len(data)))
        if kind == nbd.READ_DATA:
            buffer[at - offset : at - offset + len(data)] = data
        else:
            check(bytes(data) == bytes(len(data)))

    returned = handle.pread_structured(length, offset, chunk, flags)
    check(returned == buffer)
    at = offset
    for start, _, size in sorted(seen):
        check(start == at, seen)
        at += size
    check(at == offset + length, seen)
    return [(kind, size) for _, kind, size in sorted(seen)], buffer


def replies_in_chunks(uri):
    handle = connect(uri)
    data = content(MIB, 1)
    handle.pwrite(data, 4 * MIB)
    seen, read = chunks_of(handle, 3 * MIB, 3 * MIB)
    check(read == bytes(MIB) + data + bytes(MIB))
    holes = sum(size for kind, size in seen if kind == nbd.READ_HOLE)
    check(holes == 2 * MIB, seen)

    for length, offset in ((1, 4 * MIB), (100_001, 4 * MIB - 50_000), (256 * 1024, 4 * MIB), (4096, 0)):
        seen, read = chunks_of(handle, length, offset, nbd.CMD_FLAG_DF)
        check(len(seen) == 1, seen)
        check(read == handle.pread(length, offset))
    refused("EOVERFLOW", handle.pread, MIB, 4 * MIB, nbd.CMD_FLAG_DF)
    check(handle.pread(32 * MIB - 8 * MIB, 0)[4 * MIB : 5 * MIB] == data)
    handle.shutdown()


def replies_simply(uri):
    """Without structured replies, and to a client of the old newstyle handshake."""
    styles = [(lambda handle: handle.set_request_structured_replies(False), "newstyle-fixed")]
    if not uri.startswith("nbds"):
        # That handshake has no encryption.
        styles.append((lambda handle: handle.set_handshake_flags(0), "newstyle"))
    for prepare, protocol in styles:
        handle = connect(uri, prepare)
        check(handle.get_protocol() == protocol, handle.get_protocol())
        check(not handle.get_structured_replies_negotiated())
        check(not handle.can_df() and not handle.can_meta_context(nbd.CONTEXT_BASE_ALLOCATION))
        data = content(3 * MIB + 17, 2)
        handle.pwrite(data, 11)
        check(handle.pread(len(data), 11) == data)
        check(handle.pread(5, 0) == bytes(5))
        refused("EINVAL", handle.pread, 2, 24 * MIB - 1)
        refused("EINVAL", handle.pread, 512, 0, nbd.CMD_FLAG_DF)
        handle.zero(len(data), 11)
        handle.shutdown()


def status_of(handle, length, offset, flags=0):
    extents = []

    def extent(context, at, entries, error):
        check(context == nbd.CONTEXT_BASE_ALLOCATION and error.value == 0, context)
        extents.extend(zip(entries[::2], entries[1::2]))

    handle.block_status(length, offset, extent, flags)
    return extents


def tells_allocation(uri):
    handle = connect(uri)
    handle.trim(24 * MIB, 0)
    handle.pwrite(content(GRANULE, 3), 8 * MIB)
    hole = nbd.STATE_HOLE | nbd.STATE_ZERO
    everything = [(8 * MIB, hole), (GRANULE, 0), (16 * MIB - GRANULE, hole)]
    check(status_of(handle, 24 * MIB, 0) == everything, status_of(handle, 24 * MIB, 0))
    # One extent is never longer than what was asked.
    for offset, length, state in ((0, MIB, hole), (8 * MIB, MIB, 0), (8 * MIB + 512, 512, 0)):
        one = status_of(handle, length, offset, nbd.CMD_FLAG_REQ_ONE)
        check(one == [(min(length, GRANULE) if state == 0 else length, state)], one)
    refused("EINVAL", status_of, handle, 2, 24 * MIB - 1)
    handle.shutdown()


def changes_as_told(uri):
    handle = connect(uri)
    data = content(4 * GRANULE, 4)
    handle.pwrite(data, 12 * MIB, nbd.CMD_FLAG_FUA)
    handle.cache(4 * GRANULE, 12 * MIB)
    handle.zero(512, 12 * MIB + 512, nbd.CMD_FLAG_FUA)
    data[512:1024] = bytes(512)
    handle.zero(GRANULE, 12 * MIB + GRANULE, nbd.CMD_FLAG_NO_HOLE | nbd.CMD_FLAG_FUA)
    data[GRANULE : 2 * GRANULE] = bytes(GRANULE)
    try:
        handle.zero(GRANULE, 12 * MIB + 2 * GRANULE, nbd.CMD_FLAG_FAST_ZERO)
        data[2 * GRANULE : 3 * GRANULE] = bytes(GRANULE)
    except nbd.Error as e:
        # Allowed where zeroing is no faster than writing; then nothing has changed.
        check(e.errno in ("ENOTSUP", "EOPNOTSUPP"), e.errno)
    handle.trim(512, 12 * MIB + 3 * GRANULE, nbd.CMD_FLAG_FUA)
    trimmed = handle.pread(512, 12 * MIB + 3 * GRANULE)
    check(trimmed in (bytes(512), bytes(data[3 * GRANULE : 3 * GRANULE + 512])))
    data[3 * GRANULE : 3 * GRANULE + 512] = trimmed
    handle.flush()
    check(handle.pread(len(data), 12 * MIB) == data)
    # Zeroes that may make no hole are allocated.
    check(all(not flags & nbd.STATE_HOLE for _, flags in status_of(handle, GRANULE, 12 * MIB + GRANULE)))
    handle.shutdown()


def await_all(handle):
    while handle.aio_in_flight() > 0:
        check(handle.poll(PATIENCE_MILLIS) == 1, "nothing comes any more")


def serves_many_at_once(uri):
    handle = connect(uri)
    blocks = [(16 * MIB + i * 40_000, content(40_000, i)) for i in range(100)]
    failed = []

    def ended(error):
        if error.value != 0:
            failed.append(error.value)
        return 1

    for i, (offset, data) in enumerate(blocks):
        flags = nbd.CMD_FLAG_FUA if i % 10 == 0 else 0
        handle.aio_pwrite(nbd.Buffer.from_bytearray(data), offset, ended, flags)
        if i % 25 == 0:
            handle.aio_flush(ended)
    await_all(handle)
    buffers = [nbd.Buffer(40_000) for _ in blocks]
    for buffer, (offset, _) in reversed(list(zip(buffers, blocks))):
        handle.aio_pread(buffer, offset, ended)
    # Those behind one that fails are served, too.
    handle.aio_pread(nbd.Buffer(512), 24 * MIB, ended)
    handle.aio_cache(40_000, 16 * MIB, ended)
    await_all(handle)
    check(len(failed) == 1, failed)
    for buffer, (_, data) in zip(buffers, blocks):
        check(buffer.to_bytearray() == data)
    handle.shutdown()


def flushes_for_all_connections(uri):
    one, other = connect(uri), connect(uri)
    one.pwrite(content(GRANULE, 5), 20 * MIB)
    other.flush()
    check(other.pread(GRANULE, 20 * MIB) == content(GRANULE, 5))
    one.shutdown()
    check(other.pread(1, 20 * MIB) == content(1, 5))
    other.shutdown()


def refuses_what_is_wrong(uri):
    handle = connect(uri)
    size = 24 * MIB
    for offset in (size - 1, size, size + 1, 1 << 40, (1 << 63) - 512):
        refused("EINVAL", handle.pread, 512, offset)
        refused("EINVAL", handle.trim, 512, offset)
        refused("EINVAL", handle.cache, 512, offset)
        refused("ENOSPC", handle.pwrite, bytearray(512), offset)
        refused("ENOSPC", handle.zero, 512, offset)
    refused("EINVAL", handle.flush, 1 << 15)
    refused("EINVAL", handle.pwrite, bytearray(512), 0, nbd.CMD_FLAG_REQ_ONE)
    refused("EINVAL", handle.pread, 512, 0, nbd.CMD_FLAG_FAST_ZERO)
    refused("EINVAL", handle.block_status, 0, 0, lambda *_: 0)
    check(handle.pread(1, size - 1) is not None)
    handle.shutdown()


def speaks_extended_headers(uri):
    """With a libnbd that has them."""
    if not hasattr(nbd.NBD, "get_extended_headers_negotiated"):
        return
    handle = connect(uri)
    check(handle.get_extended_headers_negotiated())
    extents = []
    handle.block_status_64(24 * MIB, 0, lambda context, at, entries, error: extents.extend(entries))
    check(sum(length for length, _ in extents) == 24 * MIB, extents)
    handle.shutdown()


for server in sys.argv[1:]:
    connect(server).trim(24 * MIB, 0)
    for test in (
        tells_what_it_can,
        answers_options,
        replies_in_chunks,
        replies_simply,
        tells_allocation,
        changes_as_told,
        serves_many_at_once,
        flushes_for_all_connections,
        refuses_what_is_wrong,
        speaks_extended_headers,
    ):
        try:
            test(server)
        except Exception as e:
            raise AssertionError(test.__name__ + " at " + server) from e
print("libnbd", nbd.NBD().get_version(), "is content")
