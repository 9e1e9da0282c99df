/** Who reads a drive's log: what its fold asks for is performed on stored marks, and digests are compared. */
@NullMarked
package io.varve.core.reader;

import org.jspecify.annotations.NullMarked;
