package io.varve.formats.nbd;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/** What an export can do, as told at the end of the handshake (proto.md, "Transmission flags"). */
public enum TransmissionFlag {
    HAS_FLAGS(0),
    READ_ONLY(1),
    SEND_FLUSH(2),
    SEND_FUA(3),
    ROTATIONAL(4),
    SEND_TRIM(5),
    SEND_WRITE_ZEROES(6),
    SEND_DF(7),
    /** A FLUSH on one connection covers what was completed on all. */
    CAN_MULTI_CONN(8),
    SEND_RESIZE(9),
    SEND_CACHE(10),
    SEND_FAST_ZERO(11),
    /** BLOCK_STATUS may come with a payload that names some of the contexts. */
    BLOCK_STATUS_PAYLOAD(12);

    /** What a writable export of a file or block device offers. */
    public static final Set<TransmissionFlag> WRITABLE = Collections.unmodifiableSet(EnumSet.of(
            HAS_FLAGS, SEND_FLUSH, SEND_FUA, SEND_TRIM, SEND_WRITE_ZEROES, SEND_FAST_ZERO, SEND_CACHE, CAN_MULTI_CONN));

    /** What a read-only export offers. */
    public static final Set<TransmissionFlag> UNWRITABLE =
            Collections.unmodifiableSet(EnumSet.of(HAS_FLAGS, READ_ONLY, SEND_FLUSH, SEND_CACHE, CAN_MULTI_CONN));

    private final int bit;

    TransmissionFlag(int bit) {
        this.bit = bit;
    }

    /** The 16 bits on the wire. */
    public static int bitsOf(Set<TransmissionFlag> flags) {
        int bits = 0;
        for (TransmissionFlag flag : flags) {
            bits |= 1 << flag.bit;
        }
        return bits;
    }

    /** The known flags among {@code bits}; others are left out, as the protocol demands. */
    public static Set<TransmissionFlag> ofBits(int bits) {
        EnumSet<TransmissionFlag> flags = EnumSet.noneOf(TransmissionFlag.class);
        for (TransmissionFlag flag : values()) {
            if ((bits >> flag.bit & 1) == 1) {
                flags.add(flag);
            }
        }
        return Collections.unmodifiableSet(flags);
    }

    /** The flags that an export's sessions are told: what its requests can do depends on their style, too. */
    static Set<TransmissionFlag> told(Set<TransmissionFlag> flags, ReplyStyle style) {
        EnumSet<TransmissionFlag> told = EnumSet.of(HAS_FLAGS);
        told.addAll(flags);
        if (style != ReplyStyle.SIMPLE) {
            told.add(SEND_DF);
        }
        if (style == ReplyStyle.EXTENDED) {
            told.add(BLOCK_STATUS_PAYLOAD);
        }
        return Collections.unmodifiableSet(told);
    }
}
