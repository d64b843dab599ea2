namespace AstStream.Learning.Training;

/// <summary>How a training's rate goes, after it has risen from 0 in a straight line.</summary>
public enum RateSchedule
{
    /// <summary>Down to 0 by half a cosine.</summary>
    Cosine,

    /// <summary>Halved at each fifth of the time, from the second on.</summary>
    Step,

    /// <summary>As it is.</summary>
    Constant,
}
