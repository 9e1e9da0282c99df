package io.varve.capture.activity;

import java.io.IOException;

/** The marks of a drive's generations that aren't durably sealed. */
public interface OpenMarks {
    /**
     * Makes every mark that was made before the call durable.
     *
     * @return the last generation that has a file of its open marks now
     */
    long makeDurable() throws IOException;
}
