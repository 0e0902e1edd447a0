// A component whose picture follows from its properties alone, each a plain value or the same
// object as before: it is drawn again only if one of them is another. For lines of long lists.

import { Component } from "preact";

export abstract class Plain<Props extends object> extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const fields = Object.keys(next) as (keyof Props)[];
    return fields.some((field) => next[field] !== (this.props as Props)[field]);
  }
}
