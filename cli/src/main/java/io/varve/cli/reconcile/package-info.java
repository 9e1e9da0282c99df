/** Making a bitmap right again that can't be trusted: the part that has the archive's credentials. */
@NullMarked
package io.varve.cli.reconcile;

import org.jspecify.annotations.NullMarked;
