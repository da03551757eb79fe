import {
  createEnvironmentInjector,
  Injector,
  runInInjectionContext,
  type EnvironmentInjector,
  type Provider,
} from "@angular/core";

/** An injector that knows nothing but what it is given: no application, no zone. */
export function testInjector(...providers: Provider[]) {
  const environment = createEnvironmentInjector(providers, null as unknown as EnvironmentInjector);
  const injector = environment.get(Injector);
  return {
    injector,
    run: <T>(work: () => T): T => runInInjectionContext(injector, work),
    destroy: () => {
      environment.destroy();
    },
  };
}
