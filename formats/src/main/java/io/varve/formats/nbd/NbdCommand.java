package io.varve.formats.nbd;

/** The commands of the transmission phase (proto.md, "Request types"). */
public enum NbdCommand {
    READ(0),
    WRITE(1),
    DISC(2),
    FLUSH(3),
    TRIM(4),
    CACHE(5),
    WRITE_ZEROES(6),
    BLOCK_STATUS(7),
    /** Any other; it's answered with EINVAL. */
    UNKNOWN(0xffff);

    private static final NbdCommand[] BY_CODE = {READ, WRITE, DISC, FLUSH, TRIM, CACHE, WRITE_ZEROES, BLOCK_STATUS};

    private final int code;

    NbdCommand(int code) {
        this.code = code;
    }

    /** Whether it changes an export's content. */
    public boolean changes() {
        return this == WRITE || this == TRIM || this == WRITE_ZEROES;
    }

    int code() {
        return code;
    }

    static NbdCommand of(int code) {
        return code < BY_CODE.length ? BY_CODE[code] : UNKNOWN;
    }
}
