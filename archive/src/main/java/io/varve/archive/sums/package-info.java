/** The checksums of a backup's clusters, and where their bytes stand: the restore's map. */
@NullMarked
package io.varve.archive.sums;

import org.jspecify.annotations.NullMarked;
