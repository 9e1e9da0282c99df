package io.varve.capture.job;

import io.varve.core.id.DriveId;
import java.util.List;

/** The agent's drives. */
record DriveList(List<DriveInfo> drives) {
    DriveList {
        drives = List.copyOf(drives);
    }

    DriveInfo of(DriveId drive) {
        return drives.stream()
                .filter(each -> each.drive().equals(drive))
                .findFirst()
                .orElseThrow(() ->
                        new IllegalStateException("drive '" + drive + "' is attached, but nothing was told of it"));
    }
}
