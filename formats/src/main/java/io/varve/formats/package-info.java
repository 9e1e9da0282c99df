/** Other people's bytes. */
@NullMarked
package io.varve.formats;

import org.jspecify.annotations.NullMarked;
