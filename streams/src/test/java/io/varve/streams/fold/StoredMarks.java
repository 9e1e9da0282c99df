package io.varve.streams.fold;

import io.varve.core.bits.Marks;
import io.varve.core.drive.Generation;
import io.varve.core.id.DriveId;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.state.KeyValueStore;

/** What the store of pages holds. */
public final class StoredMarks {
    private StoredMarks() {}

    public static Marks of(KeyValueStore<Bytes, byte[]> generations, DriveId drive, Generation generation) {
        return new Pages(generations).load(drive, generation);
    }
}
