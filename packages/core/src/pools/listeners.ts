/** Who wants to hear of something. One that throws harms nobody: what it threw is written to the console. */
export class Listeners<News> {
  readonly #all = new Set<(news: News) => void>();

  /** @returns ends it */
  add(listener: (news: News) => void): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  tell(news: News): void {
    for (const listener of this.#all) {
      try {
        listener(news);
      } catch (error) {
        console.error(error);
      }
    }
  }
}
