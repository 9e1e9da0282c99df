package io.varve.formats.nbd;

/** The error values of the NBD protocol (proto.md, "Error values"). */
public enum NbdError {
    EPERM(1, "operation not permitted"),
    EIO(5, "input/output error"),
    ENOMEM(12, "cannot allocate memory"),
    EINVAL(22, "invalid argument"),
    ENOSPC(28, "no space left on device"),
    EOVERFLOW(75, "value too large"),
    ENOTSUP(95, "operation not supported"),
    ESHUTDOWN(108, "server is in the process of being shut down");

    private final int code;
    private final String meaning;

    NbdError(int code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    /** The value on the wire; never zero, which says success. */
    public int code() {
        return code;
    }

    /** What the error says, in a few words. */
    public String meaning() {
        return meaning;
    }

    /**
     * The error with a non-zero {@code code}; a code that the protocol doesn't know counts as EINVAL, as it demands.
     */
    public static NbdError of(int code) {
        for (NbdError error : values()) {
            if (error.code == code) {
                return error;
            }
        }
        return EINVAL;
    }
}
