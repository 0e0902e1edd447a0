// A button that shows an icon and says its name to those who do not see it.

import type { ComponentChildren } from "preact";

interface IconButtonProps {
  readonly name: string;
  readonly title?: string;
  /** A further class. */
  readonly kind?: string;
  readonly disabled?: boolean;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
}

export function IconButton({ name, title = name, kind, children, ...rest }: IconButtonProps) {
  const look = kind === undefined ? "button is-icon" : `button is-icon ${kind}`;
  return (
    <button type="button" class={look} title={title} {...rest}>
      {children}
      <span class="visually-hidden">{name}</span>
    </button>
  );
}
