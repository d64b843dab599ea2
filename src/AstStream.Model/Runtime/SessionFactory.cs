using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// Makes sessions: finds or builds the graph, opens it on what is there of what was asked for, and starts it.
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
        return options.Providers.All(p => p == ExecutionProvider.Cpu)
            ? TryInTurn(checkpoint, options) : DeviceGate.Open(() => TryInTurn(checkpoint, options));
    }

    /// <summary>
    /// Tries one precision after the other where none was asked for, and one provider after the other where that is allowed.
    /// </summary>
    private static AstSession TryInTurn(AstCheckpoint checkpoint, AstSessionOptions options)
    {
        var (asked, isFallback) = (options, false);
        var (passedOver, precisions) = (new List<string>(), new List<ModelPrecision>());
        for (var isRebuilt = false; ;)
        {
            var warnings = new List<string>(passedOver);
            var plan = SessionPlan.Make(options, precisions, provider => DeviceTuning.Read(checkpoint, asked, provider), warnings);
            var config = options.Config ?? checkpoint.Config;
            SessionPlan.CheckOutputs(checkpoint, config, plan.Options);
            var (first, precision) = (plan.Providers[0], plan.Graph.Precision);
            var isLast = asked.Precision is not null
                || SessionPlan.Precisions(first).All(p => p == precision || precisions.Contains(p));
            var graph = "";
            try
            {
                graph = GraphCache.GetOrBuild(checkpoint, config, plan.Graph, options.CacheFolder);
                var session = Started(checkpoint, config, plan, graph, warnings, isRebuilt, isLast);
                session.IsFallback = isFallback;
                if (session.IsOnGpu && (asked.Precision is null || asked.BatchSizes.Count == 0))
                    new DeviceTuning(precision, asked.BatchSizes.Count == 0 ? session.BatchSizes : []).Write(checkpoint, asked, first);
                return session;
            }
            catch (ParityException) when (!isRebuilt)
            {
                // The files in the cache may be damaged: once, they are rebuilt.
                isRebuilt = true;
                GraphCache.Discard(graph);
            }
            catch (InvalidCheckpointException e) when (!isLast)
            {
                // A weight is beyond its range, say.
                passedOver.Add($"{precision.Word()} is passed over: {e.Message}");
                precisions.Add(precision);
            }
            catch (ParityException e) when (!isLast)
            {
                passedOver.Add($"{e.Message}; another precision is tried");
                precisions.Add(precision);
            }
            catch (ParityException e) when (first != ExecutionProvider.Cpu && options.Fallback)
            {
                passedOver.Add($"{first.Word()} is passed over: {e.Message}");
                FallBack(first);
            }
            catch (ParityException e)
            {
                throw new ModelExecutionException(
                    $"{e.Message}. Take another precision, attention or provider, or let parity warn only. If it was right before, "
                        + $"{ParityCheck.FileName} or the weights are damaged");
            }
            catch (Exception e) when (e is OnnxRuntimeException or CudaException or OutOfMemoryException)
            {
                var why = $"{checkpoint.Folder}: ONNX Runtime can't open its graph {graph} on "
                    + $"{string.Join(", ", plan.Providers.Select(p => p.Word()))} in {precision.Word()}: "
                    + CudaErrors.Said(e.Message);
                if (first != ExecutionProvider.Cpu && asked.BatchSizes.Count == 0 && plan.Options.BatchSizes.Count > 1 && IsMemory(e))
                {
                    options = options with { BatchSizes = [.. plan.Options.BatchSizes.SkipLast(1)] };
                    continue;
                }

                if (!isLast)
                {
                    passedOver.Add($"{precision.Word()} is passed over: {why}");
                    precisions.Add(precision);
                    continue;
                }

                if (first == ExecutionProvider.Cpu || !options.Fallback)
                    throw new ModelExecutionException(why);

                // Its libraries are there, but it can't be had: no device, say, or an old driver.
                passedOver.Add($"{first.Word()} is passed over: {why}");
                FallBack(first);
            }
        }

        void FallBack(ExecutionProvider from)
        {
            precisions.Clear();
            isFallback = true;
            options = options with { Providers = [.. options.Providers.Where(p => p != from)], BatchSizes = asked.BatchSizes };
        }
    }

    /// <exception cref="ParityException">
    /// The scores are off, and the graph was not rebuilt yet, or another precision is left, or that is refused.
    /// </exception>
    private static AstSession Started(
        AstCheckpoint checkpoint, AstConfig config, SessionPlan plan, string graph, List<string> warnings, bool isRebuilt, bool isLast)
    {
        var session = new AstSession(checkpoint, config, plan, graph);
        try
        {
            if (SessionStart.Run(session, checkpoint, plan, warnings) is { } off)
            {
                if (!isRebuilt || !isLast || plan.Options.Parity == ParityMode.Refuse)
                    throw new ParityException(off);
                warnings.Add(off);
            }

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

    private static bool IsMemory(Exception e) =>
        e is OutOfMemoryException || e.Message.Contains("memory", StringComparison.OrdinalIgnoreCase);
}
