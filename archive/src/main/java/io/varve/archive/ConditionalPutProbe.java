package io.varve.archive;

import io.varve.archive.store.ObjectKey;
import io.varve.archive.store.ObjectStore;
import io.varve.archive.store.PutResult;
import io.varve.archive.store.StoreException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Checks that a store honours {@code If-None-Match: *}, on which every commit rests: puts the same small object twice.
 * It's left there, as a store has no delete.
 */
public final class ConditionalPutProbe {
    private static final ObjectKey KEY = new ObjectKey("probes/conditional-put");
    private static final byte[] TEXT =
            "Varve checks here that objects aren't overwritten.\n".getBytes(StandardCharsets.UTF_8);

    private ConditionalPutProbe() {}

    /**
     * Returns when the store honours it.
     *
     * @throws StoreException when it overwrites, or doesn't answer
     */
    public static void check(ObjectStore store) throws IOException {
        store.putIfAbsent(KEY, ByteBuffer.wrap(TEXT));
        PutResult second = store.putIfAbsent(KEY, ByteBuffer.wrap(TEXT));
        switch (second) {
            case PutResult.Exists _ -> {}
            case PutResult.Created _ ->
                throw new StoreException(
                        StoreException.Category.REFUSED,
                        "the store at " + store.describe()
                                + " ignores If-None-Match on PUT, so that two sinks could decide"
                                + " one sync point differently; use a store that honours it");
        }
    }
}
