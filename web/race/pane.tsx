// The evaluator's view: until the race of workers stands here, the way to the crew of two.

export default function RacePane() {
  return (
    <p class="empty">
      Two workers on one address space: <a href="./crew.html">open the crew</a>.
    </p>
  );
}
