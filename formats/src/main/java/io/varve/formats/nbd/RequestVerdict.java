package io.varve.formats.nbd;

/** What {@link RequestRules} say of a request: served, or the first rule that it breaks. */
public enum RequestVerdict {
    SERVE(NbdError.EIO, ""),
    /** Nothing to do, and that's done: the protocol leaves the meaning open; so does QEMU. */
    EMPTY(NbdError.EIO, ""),
    UNSUPPORTED(NbdError.EINVAL, "the command isn't supported"),
    UNWRITABLE(NbdError.EPERM, "the export is read-only"),
    BAD_FLAGS(NbdError.EINVAL, "the command doesn't take these flags"),
    NO_RANGE(NbdError.EINVAL, "the range is empty"),
    BEYOND_END(NbdError.EINVAL, "the range doesn't lie within the export"),
    NO_SPACE(NbdError.ENOSPC, "the range doesn't lie within the export"),
    TOO_LONG(NbdError.EINVAL, "at most " + NbdLimits.REQUEST_BYTES_MAX + " bytes are read at once"),
    TOO_LONG_FOR_ONE_CHUNK(
            NbdError.EOVERFLOW, "at most " + NbdLimits.UNFRAGMENTED_BYTES_MAX + " bytes are read in one chunk");

    private final NbdError error;
    private final String rule;

    RequestVerdict(NbdError error, String rule) {
        this.error = error;
        this.rule = rule;
    }

    /** What the client is answered when the request is refused. */
    public NbdError error() {
        return error;
    }

    /** One sentence about the request that was refused. */
    public String reason(NbdRequest request, long sizeBytes) {
        return String.format(
                "%s of %s bytes at %s, flags 0x%x, of an export of %d bytes: %s",
                request.command(),
                Long.toUnsignedString(request.lengthBytes()),
                Long.toUnsignedString(request.offsetBytes()),
                request.flags(),
                sizeBytes,
                rule);
    }
}
