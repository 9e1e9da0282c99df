package io.varve.core.event;

import io.varve.core.id.DriveId;
import io.varve.core.id.IncarnationId;

/**
 * One record of the log.
 *
 * @param control the number of a control event within its journal, from 1; 0 for {@link DriveEvent.ExtentsDirtied}
 */
public record LogRecord(DriveId drive, IncarnationId incarnation, long control, DriveEvent event) {
    public LogRecord {
        if ((control == 0) != (event instanceof DriveEvent.ExtentsDirtied) || control < 0) {
            throw new IllegalArgumentException("control number " + control + " for "
                    + event.getClass().getSimpleName() + " of drive " + drive
                    + "; expected 0 for ExtentsDirtied, else a positive one");
        }
    }

    public boolean isControl() {
        return control > 0;
    }
}
