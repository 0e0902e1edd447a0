// The page's icons: 16 x 16, strokes in the colour of the text.

import type { ComponentChildren } from "preact";

function Icon({ children }: { readonly children: ComponentChildren }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      {children}
    </svg>
  );
}

export const PlusIcon = () => (
  <Icon>
    <path d="M8 3.5v9M3.5 8h9" />
  </Icon>
);

export const MinusIcon = () => (
  <Icon>
    <path d="M3.5 8h9" />
  </Icon>
);

export const FitIcon = () => (
  <Icon>
    <path d="M2.5 4v8M13.5 4v8M5 8h6M6.7 6.2 4.9 8l1.8 1.8M9.3 6.2 11.1 8 9.3 9.8" />
  </Icon>
);

export const FirstIcon = () => (
  <Icon>
    <path d="M4 3.5v9M12 3.5 6.5 8l5.5 4.5z" />
  </Icon>
);

export const BackIcon = () => (
  <Icon>
    <path d="M10.5 3.5 5 8l5.5 4.5z" />
  </Icon>
);

export const StepIcon = () => (
  <Icon>
    <path d="M5.5 3.5 11 8l-5.5 4.5z" />
  </Icon>
);

export const LastIcon = () => (
  <Icon>
    <path d="M12 3.5v9M4 3.5 9.5 8 4 12.5z" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="2.8" />
    <path d="M8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1" />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M13 9.6A5.5 5.5 0 0 1 6.4 3a5.5 5.5 0 1 0 6.6 6.6z" />
  </Icon>
);

export const HelpIcon = () => (
  <Icon>
    <path d="M5.8 6a2.2 2.2 0 1 1 3.1 2c-.6.3-.9.7-.9 1.3v.3M8 12.3v.1" />
  </Icon>
);

export const SearchIcon = () => (
  <Icon>
    <circle cx="7" cy="7" r="4" />
    <path d="m10 10 3.5 3.5" />
  </Icon>
);
