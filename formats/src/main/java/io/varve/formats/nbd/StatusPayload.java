package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The payload of a BLOCK_STATUS with PAYLOAD_LEN (proto.md, EXTENDED_HEADERS): the range's length, and the ids of the
 * contexts that are asked for.
 *
 * <pre>
 *  0        8        12
 *  | length | id     | id …
 * </pre>
 *
 * @param lengthBytes unsigned on the wire; a negative one is out of any export's bounds
 */
public record StatusPayload(long lengthBytes, List<Integer> contextIds) {
    private static final int LENGTH_BYTES = 8;

    /** The longest that makes sense: each context once. */
    public static final int BYTES_MAX = LENGTH_BYTES + 4 * NbdLimits.CONTEXTS_MAX;

    /** Reads a whole payload. */
    public static Decoding<StatusPayload> decode(ByteBuffer in) {
        if (in.remaining() < LENGTH_BYTES || in.remaining() > BYTES_MAX || in.remaining() % 4 != 0) {
            return new Decoding.Malformed<>("a BLOCK_STATUS payload of " + in.remaining() + " bytes, expected "
                    + LENGTH_BYTES + " and 4 a context, for at most " + NbdLimits.CONTEXTS_MAX);
        }
        long lengthBytes = in.getLong();
        List<Integer> ids = new ArrayList<>();
        while (in.hasRemaining()) {
            int id = in.getInt();
            if (ids.contains(id)) {
                return new Decoding.Malformed<>("a BLOCK_STATUS payload that names context " + id + " twice");
            }
            ids.add(id);
        }
        return new Decoding.Decoded<>(new StatusPayload(lengthBytes, ids));
    }
}
