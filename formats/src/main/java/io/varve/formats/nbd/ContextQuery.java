package io.varve.formats.nbd;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The payload of LIST_META_CONTEXT and SET_META_CONTEXT: export name, count, queries, each with its length. */
record ContextQuery(String exportName, List<String> queries) {
    // Each query takes its length's 4 bytes at least, so the payload bounds their number.

    static Decoding<ContextQuery> decode(ByteBuffer payload) {
        if (!(NbdName.decode(payload) instanceof Decoding.Decoded<String>(String exportName))) {
            return new Decoding.Malformed<>("malformed export name");
        }
        if (payload.remaining() < 4) {
            return new Decoding.Malformed<>("the number of queries is missing");
        }
        long count = Integer.toUnsignedLong(payload.getInt());
        List<String> queries = new ArrayList<>();
        for (long i = 0; i < count; i++) {
            if (!(NbdName.decode(payload) instanceof Decoding.Decoded<String>(String query))) {
                return new Decoding.Malformed<>("malformed query " + i + " of " + count);
            }
            queries.add(query);
        }
        if (payload.hasRemaining()) {
            return new Decoding.Malformed<>(payload.remaining() + " bytes too many");
        }
        return new Decoding.Decoded<>(new ContextQuery(exportName, queries));
    }

    ByteBuffer encode() {
        byte[] name = NbdName.bytes(exportName);
        int lengthBytes = 8 + name.length;
        for (String query : queries) {
            lengthBytes += 4 + NbdName.bytes(query).length;
        }
        ByteBuffer out = ByteBuffer.allocate(lengthBytes).putInt(name.length).put(name);
        out.putInt(queries.size());
        for (String query : queries) {
            byte[] bytes = NbdName.bytes(query);
            out.putInt(bytes.length).put(bytes);
        }
        return out.flip();
    }
}
