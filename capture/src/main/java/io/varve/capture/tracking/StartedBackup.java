package io.varve.capture.tracking;

import io.varve.capture.snapshot.Snapshot;
import io.varve.core.bits.Marks;
import io.varve.core.drive.SyncPointMark;
import java.util.Optional;

/**
 * A backup whose cut was taken. Its snapshot stays readable, by {@link Snapshot#read} or as an export, until
 * {@link Agent#conclude}.
 *
 * @param cut the dirty granules of its bitmap at the cut, at the bitmap's granularity; not to be changed
 */
public record StartedBackup(SyncPointMark mark, Snapshot snapshot, Optional<Marks> cut) {}
