/** What a drive's bytes lie on: raw files and block devices. */
@NullMarked
package io.varve.capture.backend;

import org.jspecify.annotations.NullMarked;
