/** Backup jobs: from a transaction to a file, or to the archive's outcome. */
@NullMarked
package io.varve.capture.job;

import org.jspecify.annotations.NullMarked;
