/**
 * Which regions of a drive may have been written since their marks were last made durable: the activity log's rules.
 */
@NullMarked
package io.varve.core.activity;

import org.jspecify.annotations.NullMarked;
