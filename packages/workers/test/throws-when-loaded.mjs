/** Cannot be imported. */
throw new Error('no corn today');
