/** Where objects stand: an S3 bucket or a file directory, behind one interface. */
@NullMarked
package io.varve.archive.store;

import org.jspecify.annotations.NullMarked;
