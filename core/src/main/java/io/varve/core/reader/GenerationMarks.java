package io.varve.core.reader;

import io.varve.core.bits.Extent;
import io.varve.core.bits.Marks;
import io.varve.core.drive.Generation;
import io.varve.core.id.DriveId;
import java.util.Collection;
import java.util.List;

/** Where a reader of the log keeps the marks of all drives' generations. Each change may be made again. */
public interface GenerationMarks {
    /** Adds {@code extents} to a generation's marks; what lies past the drive's end is dropped. */
    void mark(DriveId drive, Generation generation, List<Extent> extents);

    /** The marks of a generation, on the heap; none of one that isn't known. */
    Marks load(DriveId drive, Generation generation);

    /** Forgets a generation. */
    void drop(DriveId drive, long generation);

    /** Forgets every generation of a drive. */
    void forgetAll(DriveId drive);

    /**
     * Makes one generation of several. Doing it again, when those that went are gone, changes nothing.
     *
     * @param merged those that go, as they were
     * @param intoBefore the one that stays, as it was
     */
    void coalesce(DriveId drive, Collection<Generation> merged, Generation intoBefore, Generation into);
}
