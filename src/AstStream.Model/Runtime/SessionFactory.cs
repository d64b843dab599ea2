using AstStream.Model.Checkpoints;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// Makes sessions: finds or builds the graph, opens it on what is there of what was asked for, and compares its scores with the reference.
/// </summary>
internal static class SessionFactory
{
    /// <summary>See <see cref="AstSession.Create"/>.</summary>
    public static AstSession Create(AstCheckpoint checkpoint, AstSessionOptions options)
    {
        try
        {
            return CreateIn(checkpoint, options);
        }
        catch (CacheException e) when (options.CacheFolder != GraphCache.Private)
        {
            var session = CreateIn(checkpoint, options with { CacheFolder = GraphCache.Private });
            session.Warnings = [$"{e.Message}. Until then it is built at every start, in {GraphCache.Private}", .. session.Warnings];
            return session;
        }
    }

    private static AstSession CreateIn(AstCheckpoint checkpoint, AstSessionOptions options)
    {
        RuntimeEnvironment.Ensure();
        var passedOver = new List<string>();
        for (var isRebuilt = false; ;)
        {
            var warnings = new List<string>(passedOver);
            var plan = SessionPlan.Make(options, warnings);
            var config = options.Config ?? checkpoint.Config;
            SessionPlan.CheckMemory(checkpoint, config, plan.Options);
            var graph = GraphCache.GetOrBuild(checkpoint, config, plan.Graph, options.CacheFolder);
            try
            {
                return Checked(
                    new AstSession(checkpoint.Name, config, plan.Options, plan.Providers, graph), checkpoint, plan.Options, warnings,
                    isRebuilt);
            }
            catch (ParityException)
            {
                // The files in the cache may be damaged: once, they are rebuilt.
                isRebuilt = true;
                GraphCache.Discard(graph);
            }
            catch (Exception e) when (e is OnnxRuntimeException or OutOfMemoryException)
            {
                var first = plan.Providers[0];
                var why = $"{checkpoint.Folder}: ONNX Runtime can't open its graph {graph} on "
                    + $"{string.Join(", ", plan.Providers.Select(p => p.Word()))} in {plan.Options.Precision.Word()}: "
                    + $"{e.Message.ReplaceLineEndings(" ")}";
                if (first == ExecutionProvider.Cpu || !options.Fallback)
                    throw new ModelExecutionException(why);

                // Its libraries are there, but it can't be had: no device, say, or an old driver.
                passedOver.Add($"{first.Word()} is passed over: {why}");
                options = options with { Providers = [.. options.Providers.Where(p => p != first)] };
            }
        }
    }

    /// <exception cref="ParityException">The scores are off, and the graph was not rebuilt yet.</exception>
    private static AstSession Checked(
        AstSession session, AstCheckpoint checkpoint, AstSessionOptions options, List<string> warnings, bool isRebuilt)
    {
        try
        {
            if (options.Parity != ParityMode.Off)
                session.ParityError = ParityCheck.Run(session, checkpoint, options, warnings, isRebuilt);
            else if (session.IsOnGpu)
                session.RunUnguarded(1); // tells which node runs where
            foreach (var elsewhere in session.Placement.Where(p => p.Provider != session.Providers[0].Word()).GroupBy(p => p.Provider))
                warnings.Add(
                    $"{elsewhere.Sum(p => p.Nodes)} nodes run on {elsewhere.Key}, not on {session.Providers[0].Word()}: "
                        + $"{string.Join(", ", elsewhere.Select(p => $"{p.Nodes} {p.Operator}"))}");
            session.Warnings = [.. checkpoint.Warnings, .. warnings];
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }
}
