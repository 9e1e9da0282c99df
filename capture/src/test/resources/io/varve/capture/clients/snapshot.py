"""What libnbd sees of a snapshot's export. Arguments: its URI, its bitmap, and the dirty ranges as OFFSET+LENGTH."""

import sys

import nbd

uri, bitmap, *dirty = sys.argv[1:]
context = "qemu:dirty-bitmap:" + bitmap
expected = [tuple(int(number) for number in each.split("+")) for each in dirty]


def check(condition, *what):
    if not condition:
        raise AssertionError(what)


def refused(errno, request, *arguments):
    try:
        request(*arguments)
    except nbd.Error as e:
        check(e.errno == errno, request, arguments, e.errno, e.string)
    else:
        check(False, request, arguments, "was served")


handle = nbd.NBD()
handle.set_opt_mode(True)
handle.set_strict_mode(0)
handle.connect_uri(uri)
contexts = []
handle.opt_list_meta_context(contexts.append)
check(sorted(contexts) == [nbd.CONTEXT_BASE_ALLOCATION, context], contexts)
# A wildcard as QEMU has it, and a context that doesn't exist, which is left out.
handle.add_meta_context("qemu:dirty-bitmap:")
contexts.clear()
handle.opt_list_meta_context(contexts.append)
check(contexts == [context], contexts)
handle.clear_meta_contexts()
for each in (nbd.CONTEXT_BASE_ALLOCATION, "qemu:dirty-bitmap:nothing", context):
    handle.add_meta_context(each)
handle.opt_go()
check(handle.is_read_only() and handle.can_multi_conn())
check(handle.can_meta_context(context) and not handle.can_meta_context("qemu:dirty-bitmap:nothing"))

status = {}


def extent(name, offset, entries, error):
    check(error.value == 0)
    status.setdefault(name, []).extend(zip(entries[::2], entries[1::2]))


size = handle.get_size()
handle.block_status(size, 0, extent)
check(sorted(status) == [nbd.CONTEXT_BASE_ALLOCATION, context], status)
at, found = 0, []
for length, flags in status[context]:
    if flags & 1:
        found.append((at, length))
    at += length
check(at == size and found == expected, status)

for offset, length in expected:
    check(len(handle.pread(length, offset)) == length)
refused("EPERM", handle.pwrite, bytearray(512), 0)
refused("EPERM", handle.zero, 512, 0)
refused("EINVAL", handle.pread, 512, size)
handle.flush()
handle.trim(*reversed(expected[0]))
refused("EINVAL", handle.pread, 512, expected[0][0])
handle.shutdown()
print("libnbd is content")
