/** What a point in time protects, and how old content is kept while the guest overwrites it. */
@NullMarked
package io.varve.core.snapshot;

import org.jspecify.annotations.NullMarked;
